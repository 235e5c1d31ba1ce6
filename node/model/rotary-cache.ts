import type { Backend, RotaryTables } from '../backend/backend.ts'
import type { ModelConfig } from './model-config.ts'
import { rotaryFrequencies, rotaryTable } from './rope.ts'

/** Generation asks for new positions with every token; more tables than this are not kept. */
const tablesMax = 64

/** Rotary tables on a backend, made once for each stretch of positions. */
export class RotaryCache {
  private readonly backend: Backend
  private readonly frequencies: Float64Array | null
  private readonly tables = new Map<string, RotaryTables>()

  constructor(backend: Backend, config: ModelConfig) {
    this.backend = backend
    this.frequencies = config.rotary === null ? null : rotaryFrequencies(config.headSize, config.rotary)
  }

  /** Positions `first` to `first` + `time` - 1; null where positions are learned. */
  at(first: number, time: number): RotaryTables | null {
    if (this.frequencies === null) return null
    const key = `${first} ${time}`
    const known = this.tables.get(key)
    if (known !== undefined) return known
    if (this.tables.size >= tablesMax) this.dispose()
    const { cos, sin } = rotaryTable(this.frequencies, first, time)
    const shape = [time, this.frequencies.length]
    const tables = { cos: this.backend.upload(cos, shape), sin: this.backend.upload(sin, shape) }
    this.tables.set(key, tables)
    return tables
  }

  dispose(): void {
    for (const { cos, sin } of this.tables.values()) {
      this.backend.free(cos)
      this.backend.free(sin)
    }
    this.tables.clear()
  }
}
