/** What this machine's settings say of the Hugging Face Hub, and whether it answers. */
import { readdir } from 'node:fs/promises'
import { reasonOf } from '../hub/hub-fetch.ts'
import { hubSettings } from '../hub/hub-settings.ts'

export interface HubFacts {
  readonly endpoint: string
  readonly cacheDir: string
  /** Models in the cache, whole or not. */
  readonly cachedModels: number
  /** The variable or file that holds the token, or null; never the token. */
  readonly tokenSource: string | null
  readonly isOffline: boolean
  /** Null if it was not asked. */
  readonly answer: HubAnswer | null
}

export type HubAnswer =
  | { readonly isThere: true; readonly milliseconds: number; readonly dateMs: number | null }
  | { readonly isThere: false; readonly reason: string; readonly isProxyIgnored: boolean }

const answerTimeoutMs = 5_000

/** @throws HubError BAD_SETTING; FilesError */
export async function hubFacts(environment: NodeJS.ProcessEnv, isAsked: boolean): Promise<HubFacts> {
  const settings = await hubSettings(environment)
  const { endpoint, cacheDir, token, isOffline, isProxyIgnored } = settings
  const cached = await readdir(cacheDir).catch(() => [])
  return {
    endpoint,
    cacheDir,
    cachedModels: cached.filter(name => name.startsWith('models--')).length,
    tokenSource: token?.source ?? null,
    isOffline,
    answer: isAsked && !isOffline ? await ask(endpoint, isProxyIgnored) : null
  }
}

/** Any answer will do: it tells the way there is open, and what time it is. Nothing about this machine is sent. */
async function ask(endpoint: string, isProxyIgnored: boolean): Promise<HubAnswer> {
  const startedMs = performance.now()
  try {
    const { headers } = await fetch(endpoint, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(answerTimeoutMs)
    })
    const dateMs = Date.parse(headers.get('date') ?? '')
    const milliseconds = performance.now() - startedMs
    return { isThere: true, milliseconds, dateMs: Number.isNaN(dateMs) ? null : dateMs }
  } catch (error) {
    return { isThere: false, reason: reasonOf(error), isProxyIgnored }
  }
}
