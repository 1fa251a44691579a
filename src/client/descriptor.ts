/** A descriptor: an open object, the rights to it, and one reference to it, all of it in one connected socket. */
import { handleType, openFlag, operations, type Input, type Operation, type OperationName, type Output } from '#abi/command.ts'
import { frameKind, openRequest } from '#abi/frame.ts'
import { idBytes, type Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import { typeNameOf, typeNoun, type TypeName } from '#abi/object-type.ts'
import type { Channel } from './channel.ts'
import { Connection, type Patience } from './connection.ts'
import { VpcError } from './error.ts'
import { decodeRights, encodeLimit, type DescriptorLimit, type DescriptorRights } from './rights.ts'
import { formatMac, parseMac } from '#wire/mac.ts'
import { decodeId, decodeJson, decodeNumber, parsed, refusing } from './text.ts'

/** What vpc_open is asked for. */
export interface OpenOptions {
  /** Create the object; EEXIST when the id exists. Without it the object must exist: ENOENT. */
  readonly create?: boolean | undefined
  /** Operations that read. Default true. */
  readonly read?: boolean | undefined
  /** Operations that change something. Default: the value of `create`. */
  readonly write?: boolean | undefined
}

const noInput = new Uint8Array(0)

/** What is common to all descriptors. The typed ones (Switch, Port, ...) extend it; `Vpc` opens them. */
export class Descriptor<Info extends ObjectInfo = ObjectInfo> implements AsyncDisposable {
  readonly id: Id
  readonly type: TypeName
  /** For the library: the channel. */
  readonly channel: Channel
  readonly #timeoutMs: number | undefined

  /** For `Vpc` and `fromFd`: the channel must already be open as this object. */
  constructor(channel: Channel, id: Id, type: TypeName, timeoutMs?: number) {
    this.channel = channel
    this.id = id
    this.type = type
    this.#timeoutMs = timeoutMs
  }

  /**
   * Use a descriptor that this process inherited (spawn's stdio, SCM_RIGHTS) as number `fd`, which the result owns from
   * now on. Only one process may use a descriptor at a time. Throws EBADF when `fd` is not a descriptor of vpcd.
   */
  static async fromFd(fd: number): Promise<Descriptor> {
    const connection = Connection.adopt(fd)
    try {
      const [code, id] = await Promise.all([
        connection.request(frameKind.ctl, operations.metaTypeGet.command, noInput, { what: 'type get' }),
        connection.request(frameKind.ctl, operations.metaIdGet.command, noInput, { what: 'id get' }),
      ])
      const type = typeNameOf(decodeNumber(code))
      if (type === undefined) throw new VpcError('EPROTO', `vpcd answered type ${decodeNumber(code)}, which is none`)
      return new Descriptor(connection, decodeId(id)!, type)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /**
   * The number of the descriptor in this process, to pass it on:
   * `spawn(..., { stdio: ['inherit', 'inherit', 'inherit', d.fd] })`.
   */
  get fd(): number {
    return this.channel.fd
  }

  /** Events lost so far because this process read or iterated too slowly. */
  get lostEvents(): number {
    return this.channel.events.lost
  }

  /**
   * vpc_ctl: one operation with the bytes of the ABI. Requests may be sent without waiting for earlier ones; vpcd does
   * them in order. Throws VpcError: EOPNOTSUPP (an operation of another type), EPERM (the descriptor lacks READ or
   * WRITE), EINVAL (length or value of the input), ESTALE (the object was destroyed), and the operation's own errors.
   */
  ctl(operation: OperationName, input: Uint8Array = noInput): Promise<Uint8Array> {
    const { command, name } = operations[operation]
    return this.channel.ctl(command, input, { what: name, timeoutMs: this.#timeoutMs })
  }

  /** The same with values, by the operation's codecs of src/abi/command.ts. */
  async call<N extends OperationName>(operation: N, input: Input<N>): Promise<Output<N>> {
    const { takes, gives, name } = operations[operation] as unknown as Operation<Input<N>, Output<N>>
    const output = gives.decode(
      await this.ctl(
        operation,
        refusing(() => takes.encode(input)),
      ),
    )
    if (output.ok) return output.value
    throw new VpcError('EPROTO', `cannot read vpcd's answer to '${name}': ${output.why}`)
  }

  /** Settings and state of the object. */
  async describe(): Promise<Info> {
    return (await this.call('metaDescribe', undefined)) as Info
  }

  /** Make the object outlive every descriptor, and vpcd. Doing it again changes nothing. */
  async commit(): Promise<void> {
    await this.ctl('metaCommit')
  }

  /** Take the object out of service at once. The rest goes with the last descriptor. */
  async destroy(): Promise<void> {
    await this.ctl('metaDestroy')
  }

  /** What this descriptor may be used for. */
  async rights(): Promise<DescriptorRights> {
    return decodeRights(await this.ctl('metaRightsGet'))
  }

  /**
   * Narrow the descriptor for good: from now on every holder, in any process, has only these rights. `limit` adds no
   * rights, and leaves out what stays unchanged. Throws EINVAL.
   */
  async limit(limit: DescriptorLimit): Promise<void> {
    await this.ctl('metaLimit', encodeLimit(limit))
  }

  /** The MAC address, `02:00:5e:10:00:01`. */
  async mac(): Promise<string> {
    return formatMac(await this.call('metaMacGet', undefined))
  }

  /** Throws EINVAL for a multicast address, EEXIST when another unit of the subnet has it, EBUSY for a frozen vmnic. */
  async setMac(mac: string): Promise<void> {
    await this.call('metaMacSet', parsed(parseMac(mac)))
  }

  /** What people call the object, or null. */
  async name(): Promise<string | null> {
    return (await this.call('metaNameGet', undefined)) || null
  }

  /** Throws EINVAL for a text that cannot be a name, EEXIST when another object of the type has it. */
  async setName(name: string | null): Promise<void> {
    await this.call('metaNameSet', name ?? '')
  }

  /** The owner of the object (docs/agents.md), or null. */
  async keeper(): Promise<string | null> {
    return (await this.call('metaOwnerGet', undefined)) || null
  }

  /** Throws EINVAL for a bad name. */
  async giveTo(owner: string | null): Promise<void> {
    await this.call('metaOwnerSet', owner ?? '')
  }

  /** The MTU in bytes. */
  async mtu(): Promise<number> {
    return this.call('metaMtuGet', undefined)
  }

  /**
   * 0: as the underlay allows. Throws EINVAL when it is too small or too large, EOPNOTSUPP for a switch or port, EBUSY
   * for a frozen vmnic.
   */
  async setMtu(mtuBytes: number): Promise<void> {
    await this.call('metaMtuSet', mtuBytes)
  }

  /**
   * Events after a subscription. The buffer is bounded: when nobody iterates, the oldest are dropped and `lostEvents`
   * counts them. The iteration ends with `close()` or the signal, and throws ECONNRESET when vpcd goes.
   */
  events(signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    return this.channel.events.iterate(signal)
  }

  /** Subscribe by an operation, call `begun`, then yield its JSON events. */
  protected async *follow<E>(operation: OperationName, signal?: AbortSignal, begun?: () => void): AsyncGenerator<E, void, undefined> {
    await this.ctl(operation)
    begun?.()
    for await (const event of this.events(signal)) yield decodeJson<E>(event)
  }

  /**
   * Close the descriptor in this process. An uncommitted object goes with its last holder. Pending requests are
   * rejected: ECANCELED.
   */
  close(): Promise<void> {
    return this.channel.close()
  }

  /** Allow the process to end while the descriptor is open. */
  unref(): void {
    this.channel.unref()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The flags of vpc_open. */
export const openFlags = ({ create = false, read = true, write = create }: OpenOptions): bigint =>
  BigInt((create ? openFlag.create : openFlag.open) | (read ? openFlag.read : 0) | (write ? openFlag.write : 0))

/**
 * vpc_open over a new connection: when this resolves, the connection is the descriptor. Throws VpcError,
 * DaemonUnreachable.
 */
export async function openConnection(
  socketPath: string,
  id: Id,
  type: TypeName,
  options: OpenOptions & { readonly session?: boolean },
  patience: Patience = {},
): Promise<Connection> {
  const { timeoutMs } = patience
  const flags = openFlags(options) | BigInt(options.session === true ? openFlag.session : 0)
  const connection = await Connection.connect(socketPath, patience)
  try {
    const payload = openRequest.encode({ id: idBytes(id), handleType: handleType(type), flags })
    await connection.request(frameKind.open, 0, payload, { what: `open ${typeNoun[type]} ${id}`, timeoutMs })
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}
