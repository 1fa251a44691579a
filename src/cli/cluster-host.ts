/** One host of a cluster file, for the commands `vpc cluster`: its document, and errors by line and key of the file. */
import { hostname } from 'node:os'
import { splitPath, type HostDocument } from '#abi/host-file.ts'
import { clusterDocument, originOf } from '#cluster/cluster-document.ts'
import { parseCluster } from '#cluster/cluster-file.ts'
import { fileText } from '#lab/file-members.ts'
import type { CompiledHost } from '#lab/host-document.ts'
import { YamlText } from '#system/yaml-text.ts'
import { Failure, isConflict, usageFailure } from './failure.ts'
import { tellingLabErrors } from './lab-failure.ts'
import { text } from './option.ts'

/** The option that says which host of the file it is about. */
export const hostOption = text('the host in the file', 'NAME').defaultsTo("this machine's name")

export class ClusterHost {
  readonly name: string
  readonly #path: string
  readonly #text: string
  readonly #compiled: CompiledHost

  private constructor(name: string, path: string, content: string, compiled: CompiledHost) {
    this.name = name
    this.#path = path
    this.#text = content
    this.#compiled = compiled
  }

  /** Read a file and compile one of its hosts. Throws Failure: with line and key, or with the hosts that there are. */
  static read(path: string, asked: string | undefined): Promise<ClusterHost> {
    return tellingLabErrors(async () => {
      const content = await fileText(path, 'cluster')
      const cluster = parseCluster(content, path)
      const name = asked ?? thisMachine()
      if (asked === undefined && cluster.hosts.every((host) => host.name !== name)) {
        const names = cluster.hosts.map((host) => host.name).join(', ')
        throw usageFailure(
          `this machine is called '${name}', and no host of cluster ${cluster.name} is; say which one with --host: ${names}`,
        )
      }
      return new ClusterHost(name, path, content, clusterDocument(cluster, name))
    })
  }

  get document(): HostDocument {
    return this.#compiled.document
  }

  /** A failure of vpcd, by line and key of the file; any other stays as it is. */
  explain(error: unknown): unknown {
    if (!(error instanceof Error) || !('code' in error)) return error
    const told = splitPath(error.message)
    const origin = originOf(this.#compiled, told)
    if (origin === undefined) return error
    const line = new YamlText(this.#text).lineOf(origin.split('.'))
    const kind = isConflict(String(error.code)) ? 'conflict' : 'failed'
    return new Failure(kind, `${this.#path}:${line}: ${origin}: ${told.problem}`, { code: String(error.code) })
  }
}

/** The machine's name without its domain. */
const thisMachine = (): string => hostname().split('.')[0]!.toLowerCase()
