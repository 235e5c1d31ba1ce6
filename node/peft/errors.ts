/** What can be wrong with an adapter: its files, or the settings that it is made from. */
export type PeftErrorCode =
  | 'MISSING_FILE' // a file of the adapter folder is not there: { path }
  | 'BAD_ADAPTER_CONFIG' // adapter_config.json is not JSON, or a value is impossible: { path, field? }
  | 'UNSUPPORTED' // adapter_config.json asks for what we do not compute: { path, field, value }
  | 'ADAPTER_MISMATCH' // the adapter does not fit the layout it was opened for: { path, tensor? | field?, expected, got }
  | 'UNKNOWN_TARGET' // a target names no linear layer of the model: { target, known }
  | 'BAD_SETTING' // a setting that this model cannot have: { setting, got, expected }

export class PeftError extends Error {
  override readonly name = 'PeftError'
  readonly code: PeftErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: PeftErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
