// What we use of the WebAssembly JavaScript interface (W3C, WebAssembly JavaScript Interface 2.0). TypeScript describes it
// only together with all of the browser, whose globals do not belong here.
declare namespace WebAssembly {
  class Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module'
  }

  class Memory {
    /** @throws RangeError if there is no address space for `maximum` */
    constructor(pages: { initial: number; maximum: number; shared: boolean })
    readonly buffer: ArrayBuffer
    /** @throws RangeError */
    grow(pages: number): number
  }

  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>)
    readonly exports: Record<string, unknown>
  }

  function validate(bytes: Uint8Array<ArrayBuffer>): boolean
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>
}
