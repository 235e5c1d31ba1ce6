import { join } from 'node:path'
import { packageDir } from './package-dir.ts'

/** The word for the toy model that comes with this package, where a model's folder is asked for. */
export const embeddedModelName = 'embedded'

/** The folder of the toy model, from source as from `dist/`. */
export function embeddedModelDir(): string {
  return join(packageDir(), 'models', 'embedded')
}
