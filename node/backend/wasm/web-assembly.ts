// What we use of the WebAssembly JavaScript interface (W3C, WebAssembly JavaScript Interface 2.0). TypeScript describes it
// only together with all of the browser, whose globals do not belong here.

export interface WasmModule {
  readonly [Symbol.toStringTag]: string
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** @throws RangeError */
  grow(pages: number): number
}

export interface WebAssemblyApi {
  Memory: {
    /** @throws RangeError if there is no address space for `maximum` */
    new (pages: { initial: number; maximum: number; shared: boolean }): WasmMemory
  }
  Instance: {
    new (
      module: WasmModule,
      imports: Record<string, Record<string, WasmMemory>>
    ): { readonly exports: Record<string, unknown> }
  }
  validate(bytes: Uint8Array<ArrayBuffer>): boolean
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule>
}

/** Undefined where the engine has none or was told to do without. */
export const webAssembly = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
