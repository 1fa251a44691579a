/** The state of a container, as runtimes write it to hooks by the OCI runtime specification. */
import { Failure } from '#cli/failure.ts'

/** Annotations of ours, without `vpc.`. */
const names = ['switch', 'address', 'gateway', 'interface', 'subnet', 'groups'] as const

export interface ContainerState {
  readonly id: string
  /** Its first process, as the host counts; absent when it has ended. */
  readonly pid: number | undefined
  readonly annotations: Readonly<Partial<Record<(typeof names)[number], string>>>
}

/** Read it. Throws a Failure for what is not a state, and for annotations without a meaning. */
export function readState(text: string): ContainerState {
  const { id, pid, annotations = {} } = parse(text)
  if (typeof id !== 'string' || !/^\w[\w.-]*$/.test(id)) throw new Failure('usage', 'the state of the container has no id')
  const own: Record<string, string> = {}
  for (const [key, value] of Object.entries(annotations as object)) {
    if (!key.startsWith('vpc.')) continue
    const name = key.slice('vpc.'.length)
    if (!(names as readonly string[]).includes(name))
      throw new Failure('usage', `annotation ${key} has no meaning; there are ${names.map((each) => `vpc.${each}`).join(', ')}`)
    own[name] = String(value)
  }
  return { id, pid: typeof pid === 'number' && pid > 0 ? pid : undefined, annotations: own }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new Failure('usage', 'standard input has no state of a container; runtimes start this program as a hook')
}
