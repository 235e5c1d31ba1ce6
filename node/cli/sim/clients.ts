/** The clients of a simulation: presidents of the embedded data (halves of them, if there are many), or the files of a folder. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SimError } from '../../../sim/errors.ts'
import type { Tokenizer } from '../../model/tokenizer.ts'
import { presidentClients, presidentShard } from '../../platform/state-of-the-union.ts'
import { DATA_ENDINGS, isDataFile } from '../../train/data/read-data.ts'
import type { TokenizedShard } from '../../train/dataset.ts'
import { openPrivateData } from '../private-data.ts'
import { UserError } from '../user-error.ts'

export interface SimClient {
  readonly name: string
  /** What `fedpeft-node join --data` takes for the same data. */
  readonly data: string
  readonly shard: TokenizedShard
}

/** @throws SimError TOO_FEW_CLIENTS; UserError; TrainError; FilesError */
export async function openClients(
  source: string,
  count: number,
  tokenizer: Tokenizer,
  windowTokens: number
): Promise<SimClient[]> {
  if (source === 'sotu') {
    const all = await presidentClients(count)
    requireClients(source, count, all.length)
    return Promise.all(
      all.map(async president => ({
        name: president.name,
        data: `sotu:${president.id}`,
        shard: await presidentShard(president, tokenizer, { windowTokens })
      }))
    )
  }
  const files = (await namesIn(source)).filter(isDataFile).sort()
  requireClients(source, count, files.length)
  // One after the other: the file that is named as wrong is the first one.
  const clients: SimClient[] = []
  for (const name of files.slice(0, count)) {
    const data = join(source, name)
    clients.push({ name, data, shard: await openPrivateData(tokenizer, { data, windowTokens }) })
  }
  return clients
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (cause) {
    const message = `--data ${dir}: not a folder that can be read. Give "sotu", or a folder with one ${DATA_ENDINGS} file per client.`
    throw new UserError(message, 2, { cause })
  }
}

function requireClients(source: string, wanted: number, found: number): void {
  if (found >= wanted) return
  const message =
    `${wanted} peers need ${wanted} clients, but ${source} has ${found}. ` +
    `Lower --peers, or add ${DATA_ENDINGS} files: one is one client.`
  throw new SimError('TOO_FEW_CLIENTS', { wanted, found }, message)
}
