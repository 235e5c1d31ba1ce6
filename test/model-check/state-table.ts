/** Every state found, once: fixed-width keys of 32-bit words in a hash table. Exact: no two states share an entry. */
export class StateTable {
  readonly width: number
  #keys: Uint32Array
  #slots: Int32Array
  #count = 0

  /** @param width - 32-bit words of a key */
  constructor(width: number) {
    this.width = width
    this.#keys = new Uint32Array(width * 1024)
    this.#slots = new Int32Array(4096).fill(-1)
  }

  get count(): number {
    return this.#count
  }

  /** Copies a key out. */
  read(index: number, into: Uint32Array): void {
    const at = index * this.width
    for (let i = 0; i < this.width; i++) into[i] = this.#keys[at + i]!
  }

  /** @returns its index if it is new, else -1 - index */
  add(key: Uint32Array): number {
    if (this.#count * 2 >= this.#slots.length) this.#grow()
    let slot = this.#slotOf(key)
    for (;;) {
      const index = this.#slots[slot]!
      if (index < 0) break
      if (this.#equals(index, key)) return -1 - index
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    const index = this.#count++
    this.#slots[slot] = index
    if ((index + 1) * this.width > this.#keys.length) {
      const larger = new Uint32Array(this.#keys.length * 2)
      larger.set(this.#keys)
      this.#keys = larger
    }
    this.#keys.set(key, index * this.width)
    return index
  }

  #equals(index: number, key: Uint32Array): boolean {
    const at = index * this.width
    for (let i = 0; i < this.width; i++) if (this.#keys[at + i] !== key[i]) return false
    return true
  }

  #slotOf(key: Uint32Array): number {
    let hash = 0x811c9dc5
    for (let i = 0; i < this.width; i++) {
      hash = Math.imul(hash ^ key[i]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return (hash >>> 0) & (this.#slots.length - 1)
  }

  #grow(): void {
    const key = new Uint32Array(this.width)
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let index = 0; index < this.#count; index++) {
      this.read(index, key)
      let slot = this.#slotOf(key)
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & (this.#slots.length - 1)
      this.#slots[slot] = index
    }
  }
}
