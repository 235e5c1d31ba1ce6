/** Requests to the Hub: the token goes to the Hub alone, and every refusal becomes an error that says what to do. */

import { HubError } from './errors.ts'
import type { HubModel } from './hub-model.ts'
import type { HubSettings } from './hub-settings.ts'

/** What the Hub says of itself comes at once or not at all; huggingface_hub waits as long. */
const ANSWER_TIMEOUT_MS = 10_000

/**
 * @param signal - ends every request with its reason
 * @returns a `fetch` that resolves with answers of success only, for small ones
 * @throws HubError NOT_FOUND, NO_ACCESS, UNREACHABLE, BAD_ANSWER from the returned function
 */
export function hubFetch(settings: HubSettings, model: HubModel, signal: AbortSignal): typeof fetch {
  return async (input, init) => {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)])
    return request(String(input), init ?? {}, settings, model, signal, inTime)
  }
}

/**
 * One request whose answer may take long.
 * @param signal - the person's; its reason is thrown as it is
 * @param patience - ends the request, whoever lost patience
 * @throws as `hubFetch`
 */
export async function request(
  address: string,
  init: RequestInit,
  settings: HubSettings,
  model: HubModel,
  signal: AbortSignal,
  patience: AbortSignal
): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('user-agent', 'fedpeft')
  if (settings.token !== null && new URL(address).origin === new URL(settings.endpoint).origin) {
    headers.set('authorization', `Bearer ${settings.token.value}`)
  }
  let response: Response
  try {
    response = await fetch(address, { ...init, headers, signal: patience })
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(settings, reasonOf(error), error)
  }
  if (response.ok) return response
  // What a refusal has to say stands in its headers.
  await response.body?.cancel().catch(() => {})
  throw refusal(response, settings, model)
}

export function unreachable(settings: HubSettings, reason: string, cause?: unknown): HubError {
  const proxy = settings.isProxyIgnored ? ' A proxy is set; Node uses it with NODE_USE_ENV_PROXY=1.' : ''
  return new HubError(
    'UNREACHABLE',
    { endpoint: settings.endpoint },
    `cannot reach the Hugging Face Hub at ${settings.endpoint}: ${reason}.${proxy}`,
    { cause }
  )
}

/** The system's word for what went wrong, which Node hides below "fetch failed". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}

/** Source: `hf_raise_for_status` of huggingface_hub, for the header X-Error-Code. */
function refusal(response: Response, settings: HubSettings, { repo, revision }: HubModel): HubError {
  const { status, headers } = response
  const kind = headers.get('x-error-code')
  const where = settings.endpoint
  const data = { repo, revision, status }
  const said = headers.get('x-error-message')
  const words = said === null ? '' : ` The Hub says: ${said.replace(/\p{C}/gu, ' ').slice(0, 300)}`
  if (status === 429 || status >= 500) {
    return new HubError(
      'UNREACHABLE',
      { endpoint: where, status },
      `${where} answers ${status} (${status === 429 ? 'too many requests' : 'it is in trouble'}). Try again later.${words}`
    )
  }
  if (kind === 'RevisionNotFound') {
    return new HubError(
      'NOT_FOUND',
      data,
      `${repo} has no revision ${revision}. See ${where}/${repo}/tree/main for those that it has.`
    )
  }
  if (kind === 'EntryNotFound') {
    return new HubError(
      'NOT_FOUND',
      data,
      `${repo}@${revision}: a file is gone that was there a moment ago. Try again.`
    )
  }
  if (kind === 'GatedRepo') {
    return new HubError(
      'NO_ACCESS',
      data,
      `${repo} is gated (${status}): ask for access at ${where}/${repo}, then ${tokenAdvice(settings)}.${words}`
    )
  }
  // The Hub does not tell strangers whether a private model is there.
  if (status === 404 || (status === 401 && (kind === 'RepoNotFound' || settings.token === null))) {
    return new HubError(
      'NOT_FOUND',
      data,
      `${where} has no model ${repo}, or it is private (${status}). Check the name; if it is private, ${tokenAdvice(settings)}.${words}`
    )
  }
  if (status === 401 || status === 403) {
    return new HubError(
      'NO_ACCESS',
      data,
      `${where} refuses ${repo} (${status}): ${tokenAdvice(settings)}.${words}`
    )
  }
  return new HubError(
    'BAD_ANSWER',
    data,
    `${where} answers ${status} for ${repo}.${words} Check HF_ENDPOINT.`
  )
}

function tokenAdvice({ token }: HubSettings): string {
  return token === null
    ? 'give a token that may read it: set HF_TOKEN, or log in with: hf auth login'
    : `use a token that may read it (the one from ${token.source} may not, or has expired)`
}
