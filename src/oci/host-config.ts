/** What holds for all containers of a host: the keys of a CNI network that say where the cloud and vpcd are. */
import { Failure } from '#cli/failure.ts'
import { Vpc } from '#client/vpc.ts'
import { readIfThere } from '#system/whole-file.ts'

/** Where it is, unless the caller names another. */
export const hostConfigPath = '/etc/vpc/containers.json'

/** Read it: keys such as `server` and `tokenFile`; none when there is no such file. */
export function hostConfig(path: string): Readonly<Record<string, unknown>> {
  const text = readIfThere(path)
  try {
    return text === undefined ? {} : JSON.parse(text)
  } catch (error) {
    throw new Failure('usage', `${path} is not JSON: ${(error as Error).message}`)
  }
}

/** The vpcd that it names. */
export function vpcdOf(path: string): Vpc {
  const { socket } = hostConfig(path)
  return new Vpc({ ...(typeof socket === 'string' && { socketPath: socket }) })
}

/** The names in a text, with commas between them. */
export const namesIn = (text: string | undefined): string[] => text?.split(',').filter((each) => each !== '') ?? []
