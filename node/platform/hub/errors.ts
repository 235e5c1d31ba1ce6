/** Why a model of the Hugging Face Hub could not be had. The message says what, where and what to do next. */
export type HubErrorCode =
  | 'BAD_SETTING' // an environment variable cannot be used: { variable }
  | 'NOT_FOUND' // the Hub has no such model, revision or file, or does not show it: { repo, revision }
  | 'NO_ACCESS' // private or gated, and the token does not open it: { repo, status }
  | 'UNUSABLE_MODEL' // the repository lacks files that we need: { repo, missing, files }
  | 'UNREACHABLE' // no connection, or the Hub is overloaded or down: { endpoint, status? }
  | 'BAD_ANSWER' // whatever answers is no Hub: { url }
  | 'NOT_CACHED' // offline, and the cache has not all of it: { repo, revision, missing }
  | 'CUT_DOWNLOAD' // the connection broke again and again; what came is kept: { file, doneBytes, bytes }
  | 'CORRUPT_DOWNLOAD' // what came is not what the Hub says it should be: { file, expected, got }

export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: HubErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: HubErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
