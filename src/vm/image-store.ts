/**
 * Images of virtual machines, below a directory of root's: files that machines are copied from, named `NAME.qcow2` or
 * `NAME.raw`. A machine has a copy, so no image is in use.
 */
import { chmodSync, createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { syncDirectory } from '#system/whole-file.ts'
import { makeDirectory } from '#launch/directory.ts'
import { copyFile } from './copy-file.ts'
import { diskFormats, type DiskFormat } from './definition.ts'
import { checkDisk, formatOfName, virtualBytes } from './disk-image.ts'
import { VmError } from './vm-error.ts'

export const defaultImageDirectory = '/var/lib/vpc/images'

/** The directory: the given one, else VPC_IMAGE_DIR, else the default. */
export const resolveImageDirectory = (asked: string | undefined): string =>
  resolve(asked ?? process.env['VPC_IMAGE_DIR'] ?? defaultImageDirectory)

const namePattern = /^[a-z\d][a-z\d.-]{0,62}$/

/** Whether a word is a name, and no file: without a slash, and without the ending of a file's name. */
export const isImageName = (word: string): boolean => namePattern.test(word) && formatOfName(word) === undefined

export interface Image {
  readonly name: string
  readonly format: DiskFormat
  /** How large a guest sees the disk. */
  readonly virtualBytes: number
  /** Bytes of the file. */
  readonly fileBytes: number
  readonly path: string
}

export class ImageStore {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** All images, by name. */
  list(): Image[] {
    if (!existsSync(this.path)) return []
    const files = readdirSync(this.path).flatMap((file) => {
      const found = /^(.+)\.(qcow2|raw)$/.exec(file)
      return found !== null && isImageName(found[1]!) ? [{ name: found[1]!, format: found[2] as DiskFormat }] : []
    })
    return files.map(({ name, format }) => this.#image(name, format)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The image of a name; undefined: there is none. */
  find(name: string): Image | undefined {
    const format = diskFormats.find((each) => existsSync(this.#file(name, each)))
    return format && this.#image(name, format)
  }

  /**
   * Copy a file here under a name. False: this name has the same content already. Throws VmError EEXIST when it has
   * another one, and EINVAL for a file that no guest can have.
   */
  async add(name: string, file: string, format: DiskFormat): Promise<boolean> {
    if (!isImageName(name))
      throw new VmError('EINVAL', `'${name}' cannot name an image; take letters in lower case, digits, dots and dashes, 63 at most`)
    checkDisk(file, format)
    const known = this.find(name)
    if (known !== undefined) {
      if (known.format === format && (await haveSameBytes(known.path, file))) return false
      throw new VmError('EEXIST', `image ${name} exists with another content; destroy it first: vpc vm image destroy ${name}`)
    }
    makeDirectory(this.path)
    const path = this.#file(name, format)
    try {
      copyFile(file, `${path}.new`)
      chmodSync(`${path}.new`, 0o600)
      renameSync(`${path}.new`, path)
    } catch (error) {
      rmSync(`${path}.new`, { force: true })
      throw error
    }
    syncDirectory(this.path)
    return true
  }

  /** Remove an image. False: there is none. Machines keep their copies. */
  destroy(name: string): boolean {
    const image = isImageName(name) ? this.find(name) : undefined
    if (image !== undefined) rmSync(image.path)
    return image !== undefined
  }

  #file(name: string, format: DiskFormat): string {
    return join(this.path, `${name}.${format}`)
  }

  #image(name: string, format: DiskFormat): Image {
    const path = this.#file(name, format)
    return { name, format, virtualBytes: virtualBytes(path, format), fileBytes: statSync(path).size, path }
  }
}

async function haveSameBytes(one: string, other: string): Promise<boolean> {
  if (statSync(one).size !== statSync(other).size) return false
  const rest = createReadStream(other, { highWaterMark: 1 << 20 })[Symbol.asyncIterator]()
  for await (const chunk of createReadStream(one, { highWaterMark: 1 << 20 })) {
    const { value } = await rest.next()
    if (value === undefined || !(chunk as Buffer).equals(value as Buffer)) return false
  }
  return true
}

/** The user that cloud-init makes in an image of a distribution, by the name of the image; undefined: not known. */
export function loginOf(image: string | null): string | undefined {
  const found = /^(almalinux|alpine|arch|centos|debian|fedora|freebsd|opensuse|rocky|ubuntu)(?![a-z])/.exec(basename(image ?? ''))
  return found?.[1]
}
