/** What a person means by `--data`: a file of their own, or a president of the embedded data. */
import { basename, dirname, resolve } from 'node:path'
import { didYouMean } from '../../protocols/did-you-mean.ts'
import type { Tokenizer } from '../model/tokenizer.ts'
import { nodeCodecs } from '../platform/node-codecs.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { type President, presidentNamed, presidentShard, presidents } from '../platform/state-of-the-union.ts'
import { type EncodedData, encodeData } from '../train/data/encode-data.ts'
import { readData } from '../train/data/read-data.ts'
import { encodedShard, type TokenizedShard } from '../train/dataset.ts'
import { TrainError } from '../train/errors.ts'
import { UserError } from './user-error.ts'

export interface PrivateDataOptions {
  /** `.txt`, `.jsonl`, `.csv`, `.parquet`, or `sotu:NAME`. */
  readonly data: string
  /** A file likewise; without it a part of `data` is held out (of a president, the last address). */
  readonly heldOut?: string
  /** Tokens of one training window. */
  readonly windowTokens: number
}

const embeddedPrefix = 'sotu:'

/** Measured after every round: more text would take longer and hardly change the figure. */
const heldOutTokensMax = 8_192

/** @throws UserError; TrainError TOO_LITTLE_DATA; ModelError BAD_CHAT_TEMPLATE; FilesError */
export async function openPrivateData(
  tokenizer: Tokenizer,
  { data, heldOut, windowTokens }: PrivateDataOptions
): Promise<TokenizedShard> {
  if (data.startsWith(embeddedPrefix)) {
    if (heldOut !== undefined) {
      throw new UserError(`--held-out ${heldOut}: ${data} brings its own test set, the last address`, 2)
    }
    return presidentShard(await presidentOf(data), tokenizer, { windowTokens })
  }
  const encode = (flag: string, path: string) => encodeFile(tokenizer, flag, path, windowTokens)
  const source = {
    data: await encode('--data', data),
    heldOut: heldOut === undefined ? null : await encode('--held-out', heldOut)
  }
  return encodedShard(tokenizer, data, source, { windowTokens, heldOutTokensMax })
}

async function encodeFile(
  tokenizer: Tokenizer,
  flag: string,
  path: string,
  windowTokens: number
): Promise<EncodedData> {
  const full = resolve(path)
  try {
    return await encodeData(
      tokenizer,
      readData(nodeFiles(dirname(full)), basename(full), nodeCodecs),
      windowTokens
    )
  } catch (error) {
    if (!(error instanceof TrainError)) throw error
    const problem = error.code === 'MISSING_DATA' ? 'there is no such file' : error.message
    throw new UserError(`${flag} ${path}: ${problem}`, 2, { cause: error })
  }
}

async function presidentOf(data: string): Promise<President> {
  const wanted = data.slice(embeddedPrefix.length).trim().toLowerCase().replaceAll(' ', '_')
  const found = await presidentNamed(wanted)
  if (found !== null) return found
  const ids = (await presidents()).map(({ id }) => id)
  const surname = wanted.slice(wanted.lastIndexOf('_') + 1)
  const bySurname = ids.find(id => surname !== '' && id.endsWith(surname))
  const near = didYouMean(wanted, ids) ?? bySurname ?? null
  const hint = near === null ? `Choose one of ${ids.join(', ')}.` : `Did you mean ${embeddedPrefix}${near}?`
  throw new UserError(`--data ${data}: the embedded data has no president of that name. ${hint}`, 2)
}
