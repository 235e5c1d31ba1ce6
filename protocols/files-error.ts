/** Why small durable storage could not do what was asked of it (the port `Files` in ports.ts). */
export type FilesErrorCode =
  | 'NO_PERMISSION' // the folder or file may not be read or written: { path }
  | 'READ_ONLY' // the file system is mounted read-only: { path }
  | 'NO_SPACE' // the disk, or the user's share of it, is full: { path, freeBytes?, neededBytes? }
  | 'TOO_MANY_FILES' // the process, or the machine, has no file handles left: { path }
  | 'NOT_A_FOLDER' // a part of the path is a file, or a file is a folder: { path }
  | 'OUTSIDE_ROOT' // an absolute path, or one that leaves the root by `..`: { path }
  | 'NO_SUCH_FILE' // a range of a file that is not there: { path }
  | 'SHORT_FILE' // the file ends before the range does: { path, offset, length, size }
  | 'IO_ERROR' // anything else that the system reports: { path, systemCode }

export class FilesError extends Error {
  override readonly name = 'FilesError'
  readonly code: FilesErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: FilesErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}

/**
 * Splits a path of the port into its parts, in the one form that every implementation accepts: relative, with `/`,
 * no empty part, no `.` or `..`. The root itself is the empty path.
 * @throws FilesError OUTSIDE_ROOT
 */
export function pathParts(path: string): string[] {
  if (path === '') return []
  const parts = path.split('/')
  // A backslash or a colon would be a separator or a drive on Windows, so one spelling must not mean two files.
  if (parts.some(part => part === '' || part === '.' || part === '..' || /[\\:\0]/.test(part))) {
    throw new FilesError(
      'OUTSIDE_ROOT',
      { path },
      `the path ${JSON.stringify(path)} must be relative, with /, and stay below its folder`
    )
  }
  return parts
}

/**
 * The same for a file, which the root itself is not.
 * @throws FilesError OUTSIDE_ROOT
 */
export function filePathParts(path: string): string[] {
  const parts = pathParts(path)
  if (parts.length === 0)
    throw new FilesError('OUTSIDE_ROOT', { path }, 'a file needs a name, but its path is empty')
  return parts
}
