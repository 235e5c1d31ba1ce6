import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The word for the toy model that comes with this package, where a model's folder is asked for. */
export const embeddedModelName = 'embedded'

/** The folder of the toy model, from source as from `dist/`. */
export function embeddedModelDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(dir, 'package.json'))) {
    const parent = dirname(dir)
    if (parent === dir) throw new Error('fedpeft is installed without its package.json: install it again')
    dir = parent
  }
  return join(dir, 'models', 'embedded')
}

/** The folder that a person means by `--model`: the embedded model by its name, any other by its path. */
export function modelDir(nameOrPath: string): string {
  return nameOrPath === embeddedModelName ? embeddedModelDir() : nameOrPath
}
