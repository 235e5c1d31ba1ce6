/** What can be wrong with a model that the local user supplied. The message says what, where and what to do next. */
export type ModelErrorCode =
  | 'MISSING_FILE' // a file of the model folder is not there: { path }
  | 'BAD_CONFIG' // config.json is not JSON or holds an impossible value: { field? }
  | 'UNSUPPORTED' // config.json asks for what we do not compute: { field, value }
  | 'CORRUPT_SAFETENSORS' // a safetensors file breaks its format: { path, tensor?, reason }
  | 'TENSOR_MISMATCH' // the weights do not fit config.json: { tensor, expected?, got? }
  | 'BAD_TOKENIZER' // tokenizer.json cannot be used: { path }
  | 'BAD_CHAT_TEMPLATE' // the chat template is not one that we can read: { path, reason }
  | 'CHAT_REFUSED' // the chat template cannot render a conversation, or hides who says what: { reason?, message? }
  | 'TOKENIZER_MISMATCH' // the tokenizer makes ids that the model has no embedding for: { tokenizerSize, modelSize }

export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: ModelErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: ModelErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
