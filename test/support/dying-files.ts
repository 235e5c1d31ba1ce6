import type { Files } from '../../protocols/ports.ts'

/** Where the power goes: before the write, in the middle of it (an append leaves half of its bytes), or after it. */
export type DeathMoment = 'before' | 'torn' | 'after'

/**
 * A disk whose n-th write, append or removal (counted from 0), or the first that `dieAt` says yes to, is the last thing that
 * its peer does.
 */
export function dyingFiles(
  disk: Files,
  kill: () => void,
  dieAt: number | ((what: string) => boolean),
  moment: DeathMoment,
  onWrite: (what: string) => void = () => {}
): Files {
  let count = 0
  const isLast = (what: string): boolean => {
    const place = count++
    return typeof dieAt === 'number' ? place === dieAt : dieAt(what)
  }
  const counted = async (
    what: string,
    whole: () => Promise<void>,
    half: () => Promise<void>
  ): Promise<void> => {
    onWrite(what)
    if (!isLast(what)) return whole()
    if (moment === 'after') await whole()
    if (moment === 'torn') await half()
    kill()
  }
  // Replacing and removing are atomic: there is nothing between before and after.
  const nothing = async (): Promise<void> => {}
  return {
    ...disk,
    write: (path, bytes) => counted(`write ${path}`, () => disk.write(path, bytes), nothing),
    writeParts: (path, parts) => counted(`write ${path}`, () => disk.writeParts(path, parts), nothing),
    append: (path, bytes) =>
      counted(
        `append ${path}`,
        () => disk.append(path, bytes),
        () => disk.append(path, bytes.subarray(0, bytes.length >> 1))
      ),
    remove: path => counted(`remove ${path}`, () => disk.remove(path), nothing)
  }
}
