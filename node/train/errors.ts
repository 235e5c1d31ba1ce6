/** What can be wrong with training or with the data that the local user gave for it. */
export type TrainErrorCode =
  | 'MISSING_DATA' // the data file is not there: { path }
  | 'BAD_DATA' // the data file is not UTF-8 text, or a line or row of it is not what it should be: { path, line?, row? }
  | 'UNSUPPORTED_DATA' // a kind of file that we do not read: { path }
  | 'NO_CHAT_TEMPLATE' // the data are conversations, and the model does not say how it takes them: { path }
  | 'TOO_LITTLE_DATA' // fewer tokens than one window needs, or no example: { name, part, got, needed }
  | 'BAD_JOB' // a training or evaluation job that cannot be done: { field, got, expected }
  | 'DOES_NOT_FIT' // no way to train it within the memory allowed: { neededBytes, limitBytes, allowedBytes, besidesBytes, weightsBytes, sequenceMax, parametersMax }
  | 'OUT_OF_MEMORY' // the backend ran out of memory in the middle of a job: { … as BackendError OUT_OF_MEMORY }
  | 'DIVERGED' // the loss or a gradient is no longer a finite number: { step, loss }
  | 'ABORTED' // the caller's signal ended the job: { steps }
  | 'WORKER_FAILED' // the thread that trains ended or could not start: { reason }
  | 'CLOSED' // the trainer was closed before the job was done: {}

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
