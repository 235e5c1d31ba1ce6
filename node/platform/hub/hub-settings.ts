/**
 * Where the Hub is, what opens it and where its files are kept: the environment variables and files of huggingface_hub,
 * so that one login and one cache serve Python and this program.
 * Source: https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { explained } from '../node-files.ts'
import { HubError } from './errors.ts'

export interface HubSettings {
  /** The Hub or a mirror, without a slash at the end. */
  readonly endpoint: string
  /** Below it one folder for each repository. */
  readonly cacheDir: string
  /** Sent to the endpoint and nowhere else. */
  readonly token: { readonly value: string; readonly source: string } | null
  /** Only the cache is asked. */
  readonly isOffline: boolean
  /** A proxy is set that Node does not follow by itself. */
  readonly isProxyIgnored: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws HubError BAD_SETTING; FilesError if the token's file cannot be read */
export async function hubSettings(env: Environment): Promise<HubSettings> {
  const home =
    pathOf(env['HF_HOME']) ?? join(pathOf(env['XDG_CACHE_HOME']) ?? join(homedir(), '.cache'), 'huggingface')
  const proxy = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some(name => env[name])
  return {
    endpoint: endpointOf(env['HF_ENDPOINT']),
    cacheDir: pathOf(env['HF_HUB_CACHE']) ?? pathOf(env['HUGGINGFACE_HUB_CACHE']) ?? join(home, 'hub'),
    token: isOn(env['HF_HUB_DISABLE_IMPLICIT_TOKEN']) ? null : await tokenOf(env, home),
    isOffline: isOn(env['HF_HUB_OFFLINE'] || env['TRANSFORMERS_OFFLINE']),
    isProxyIgnored: proxy && !isOn(env['NODE_USE_ENV_PROXY'])
  }
}

function endpointOf(given: string | undefined): string {
  if (given === undefined || given === '') return 'https://huggingface.co'
  const url = URL.canParse(given) ? new URL(given) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new HubError(
      'BAD_SETTING',
      { variable: 'HF_ENDPOINT' },
      `HF_ENDPOINT: got ${JSON.stringify(given)}; it must be the address of a Hub, such as https://huggingface.co`
    )
  }
  return given.replace(/\/+$/, '')
}

async function tokenOf(env: Environment, home: string): Promise<HubSettings['token']> {
  for (const variable of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = env[variable]?.trim()
    if (value) return { value, source: variable }
  }
  const file = pathOf(env['HF_TOKEN_PATH']) ?? join(home, 'token')
  const value = await explained(file, 'read', () => readFile(file, 'utf8').catch(nullIfNone))
  return value?.trim() ? { value: value.trim(), source: file } : null
}

function nullIfNone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}

/** Shells leave a tilde in the middle of an assignment as it is. */
function pathOf(given: string | undefined): string | null {
  if (given === undefined || given === '') return null
  return /^~(?=[/\\]|$)/.test(given) ? join(homedir(), given.slice(1)) : given
}

function isOn(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '')
}
