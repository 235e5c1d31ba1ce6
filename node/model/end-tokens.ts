import { z } from 'zod'
import type { Files } from '../../protocols/ports.ts'
import { ModelError } from './errors.ts'

const tokenIds = z
  .union([z.int().nonnegative(), z.array(z.int().nonnegative())])
  .nullish()
  .transform(ids => (ids === undefined || ids === null ? [] : [ids].flat()))

const fileSchema = z.looseObject({ eos_token_id: tokenIds })

/**
 * The tokens that end what a model says: those of `generation_config.json`, or where that has none of `config.json`, and
 * the tokenizer's own. A model that chats often ends its turn with another token than a document.
 * @param files - rooted in the model folder
 * @param tokenizer - of the same folder
 * @param where - that folder as the user wrote it, for messages
 * @throws ModelError BAD_CONFIG; FilesError
 */
export async function readEndTokenIds(
  files: Files,
  tokenizer: { readonly endTokenId: number | undefined },
  where: string
): Promise<ReadonlySet<number>> {
  const named = await endTokenIdsIn(files, 'generation_config.json', where)
  const modelOwn = named.length > 0 ? named : await endTokenIdsIn(files, 'config.json', where)
  const all = new Set(modelOwn)
  if (tokenizer.endTokenId !== undefined) all.add(tokenizer.endTokenId)
  return all
}

async function endTokenIdsIn(files: Files, name: string, where: string): Promise<number[]> {
  const bytes = await files.read(name)
  if (bytes === null) return []
  const path = `${where}/${name}`
  const bad = (problem: string, options?: ErrorOptions): ModelError =>
    new ModelError(
      'BAD_CONFIG',
      { path, field: 'eos_token_id' },
      `${path}: ${problem}. Use the ${name} that was published with these weights.`,
      options
    )
  let raw: unknown
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw bad(`it is not JSON (${(cause as Error).message})`, { cause })
  }
  const { success, data } = fileSchema.safeParse(raw)
  if (!success) throw bad('eos_token_id must be a token id or a list of them')
  return data.eos_token_id
}
