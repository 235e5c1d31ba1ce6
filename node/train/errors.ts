/** What can be wrong with training or with the data that the local user gave for it. */
export type TrainErrorCode =
  | 'MISSING_DATA' // the data file is not there: { path }
  | 'BAD_DATA' // the data file is not UTF-8 text, or a line of it is not what it should be: { path, line? }
  | 'UNSUPPORTED_DATA' // a kind of file that we do not read: { path }
  | 'TOO_LITTLE_DATA' // fewer tokens than one training window needs: { name, part, got, needed }

export class TrainError extends Error {
  override readonly name = 'TrainError'
  readonly code: TrainErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: TrainErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
