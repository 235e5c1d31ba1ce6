/**
 * The weights of a model folder: `model.safetensors`, or shards that `model.safetensors.index.json` lists. A checkpoint
 * may come from a stranger, so the index is held against what the shards say of themselves.
 */
import type { Files } from '../../../protocols/ports.ts'
import { ModelError } from '../errors.ts'
import { isObject, strictJsonObject } from '../strict-json.ts'
import { noSuchTensor } from '../weight-source.ts'
import { openTensorFile, type TensorSource } from './tensor-file.ts'

export const SINGLE_NAME = 'model.safetensors'
export const INDEX_NAME = 'model.safetensors.index.json'

/** About 100 bytes per tensor, as in a header. */
export const INDEX_BYTES_MAX = 16 * 1024 * 1024

/** The index, one of its two tables, and room for what a publisher notes in `metadata`. */
const INDEX_DEPTH_MAX = 8

/** A file of the same folder: no separator, drive or dot that would lead elsewhere on any system. */
const shardName = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/

export interface StoredWeights extends TensorSource {
  /** The files that hold the tensors, sorted. The index says nothing that they do not. */
  readonly fileNames: readonly string[]
}

/**
 * Reads and checks the headers of all files; no tensor yet.
 * @param files - rooted in the model folder
 * @param where - that folder as the person named it, for messages
 * @throws ModelError MISSING_FILE, CORRUPT_SAFETENSORS, UNSUPPORTED; FilesError
 */
export async function openStoredWeights(files: Files, where: string): Promise<StoredWeights> {
  if ((await files.size(SINGLE_NAME)) !== null) {
    return {
      ...(await openTensorFile(files, SINGLE_NAME, `${where}/${SINGLE_NAME}`)),
      fileNames: [SINGLE_NAME]
    }
  }
  const indexPath = `${where}/${INDEX_NAME}`
  const weightMap = await readIndex(files, indexPath, where)
  const fileNames = [...new Set(weightMap.values())].sort()
  await checkAllThere(files, fileNames, where)
  const shards = new Map<string, TensorSource>()
  for (const name of fileNames) shards.set(name, await openTensorFile(files, name, `${where}/${name}`))
  checkIndex(weightMap, shards, indexPath)

  const shardOf = (tensor: string): TensorSource | undefined => shards.get(weightMap.get(tensor) ?? '')
  const holderOf = (tensor: string): TensorSource => {
    const shard = shardOf(tensor)
    if (shard === undefined) throw noSuchTensor(tensor, where)
    return shard
  }
  return {
    fileNames,
    names: () => weightMap.keys(),
    shapeOf: tensor => shardOf(tensor)?.shapeOf(tensor),
    dtypeOf: tensor => shardOf(tensor)?.dtypeOf(tensor),
    read: async tensor => holderOf(tensor).read(tensor),
    readValues: async (tensor, from, out) => holderOf(tensor).readValues(tensor, from, out)
  }
}

/**
 * The names of the files that an index lists, sorted, from its content alone: what has to be downloaded.
 * @throws ModelError CORRUPT_SAFETENSORS
 */
export function shardNames(index: Uint8Array, path: string): string[] {
  return [...new Set(parseIndex(index, path).values())].sort()
}

/** @returns tensor -> file */
async function readIndex(files: Files, path: string, where: string): Promise<Map<string, string>> {
  const bytes = await files.size(INDEX_NAME)
  if (bytes === null) {
    const message = `${where}: neither ${SINGLE_NAME} nor ${INDEX_NAME} is there. Download them from where the other files came from.`
    throw new ModelError('MISSING_FILE', { path: where, missing: [SINGLE_NAME] }, message)
  }
  if (bytes > INDEX_BYTES_MAX) throw badIndex(path, `has ${bytes} bytes, more than ${INDEX_BYTES_MAX}`)
  return parseIndex(await files.readRange(INDEX_NAME, 0, bytes), path)
}

function parseIndex(bytes: Uint8Array, path: string): Map<string, string> {
  let index: Record<string, unknown>
  try {
    index = strictJsonObject(bytes, INDEX_DEPTH_MAX)
  } catch (error) {
    throw badIndex(path, (error as Error).message)
  }
  const { weight_map: weightMap } = index
  if (!isObject(weightMap)) throw badIndex(path, 'has no weight_map of tensors to files')
  const entries = Object.entries(weightMap)
  if (entries.length === 0) throw badIndex(path, 'lists no tensor')
  for (const [tensor, file] of entries) {
    if (typeof file === 'string' && shardName.test(file)) continue
    throw badIndex(
      path,
      `puts tensor ${tensor} into ${JSON.stringify(file)}, which is not the name of a safetensors file of the same folder`
    )
  }
  return new Map(entries as Array<[string, string]>)
}

async function checkAllThere(files: Files, names: readonly string[], where: string): Promise<void> {
  const sizes = await Promise.all(names.map(name => files.size(name)))
  const missing = names.filter((_, i) => sizes[i] === null)
  if (missing.length === 0) return
  throw new ModelError(
    'MISSING_FILE',
    { path: where, missing },
    `${where}: ${missing.length} of the ${names.length} files that ${INDEX_NAME} lists are missing: ` +
      `${missing.join(', ')}. Download them from where the others came from.`
  )
}

/** Every tensor lies in the file that the index names, and in no other. */
function checkIndex(
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, TensorSource>,
  path: string
): void {
  for (const [file, shard] of shards) {
    for (const tensor of shard.names()) {
      const listed = weightMap.get(tensor)
      if (listed === file) continue
      if (listed === undefined) throw badIndex(path, `does not list tensor ${tensor}, which ${file} holds`)
      const alsoThere = shards.get(listed)?.shapeOf(tensor) !== undefined
      throw badIndex(
        path,
        alsoThere
          ? `lists tensor ${tensor} in ${listed}, but ${file} holds one of that name too`
          : `lists tensor ${tensor} in ${listed}, but it lies in ${file}`
      )
    }
  }
  for (const [tensor, file] of weightMap) {
    if (shards.get(file)!.shapeOf(tensor) === undefined) {
      throw badIndex(path, `lists tensor ${tensor} in ${file}, which holds none of that name`)
    }
  }
}

/** @param reason - continues "the index …" */
function badIndex(path: string, reason: string): ModelError {
  return new ModelError(
    'CORRUPT_SAFETENSORS',
    { path, reason },
    `${path}: not a sound index of safetensors files: it ${reason}. Download the folder's files again.`
  )
}
