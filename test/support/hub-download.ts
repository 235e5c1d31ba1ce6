/** A download from a Hub on loopback into a cache of its own, with everything that a person would see of it. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  type DownloadProgress,
  type FetchedModel,
  fetchHubModel
} from '../../node/platform/hub/fetch-model.ts'
import type { HubModel } from '../../node/platform/hub/hub-model.ts'
import type { HubServer } from './hub-server.ts'

export interface HubDownload {
  readonly notices: string[]
  readonly progress: DownloadProgress[]
  /** Waits that were asked for; none is made. [ms] */
  readonly pauses: number[]
  readonly cacheDir: string
  run(env?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<FetchedModel>
}

export function hubDownload(hub: Pick<HubServer, 'endpoint'>, home: string, model: HubModel): HubDownload {
  const notices: string[] = []
  const progress: DownloadProgress[] = []
  const pauses: number[] = []
  return {
    notices,
    progress,
    pauses,
    cacheDir: join(home, 'hub', `models--${model.repo.replace('/', '--')}`),
    run: (env = {}, signal = new AbortController().signal) =>
      fetchHubModel(
        model,
        { HF_HOME: home, HF_ENDPOINT: hub.endpoint, ...env },
        {
          signal,
          onNotice: text => void notices.push(text),
          onProgress: step => void progress.push(step),
          pause: async ms => {
            pauses.push(ms)
            // What is waited for needs its turn.
            await setImmediate()
          }
        }
      )
  }
}
