/**
 * The settings of a type as methods of its class: `vlan()` and `setVlan(5)`, for each setting in src/abi/settings.ts.
 */
import type { OperationName } from '#abi/command.ts'
import type { Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import type { TypeName, UnitType } from '#abi/object-type.ts'
import type { Setting } from '#abi/setting.ts'
import { operationNames, settingsOf, type OwnNames, type SettingsJson } from '#abi/settings.ts'
import type { Channel } from './channel.ts'
import { Descriptor } from './descriptor.ts'
import { VpcError } from './error.ts'

/** Each setting's value in its JSON form: addresses are text. */
export type SettingMethods<T extends UnitType> = { readonly [K in OwnNames<T>]: () => Promise<SettingsJson<T>[K]> } & {
  /** Throws EINVAL for a bad value, and the setting's own errors. */
  readonly [K in OwnNames<T> as `set${Capitalize<K>}`]: (value: SettingsJson<T>[K]) => Promise<void>
}

type Info<T extends UnitType> = Extract<ObjectInfo, { type: T }>
type WithSettings<T extends UnitType> = new (
  channel: Channel,
  id: Id,
  type: TypeName,
  timeoutMs?: number,
) => Descriptor<Info<T>> & SettingMethods<T>

/** A class of descriptors that has the settings of a type. */
export function withSettings<T extends UnitType>(type: T): WithSettings<T> {
  class Typed extends Descriptor<Info<T>> {}
  for (const [name, setting] of settingsOf(type)) {
    if (setting.get === undefined) continue
    const { get, set } = operationNames(type, name) as { readonly get: OperationName; readonly set: OperationName }
    const methods: Record<string, (this: Descriptor, value: unknown) => Promise<unknown>> = {
      async [name]() {
        return setting.kind.toJson(await this.call(get, undefined as never))
      },
      async [`set${name.charAt(0).toUpperCase()}${name.slice(1)}`](value) {
        await this.call(set, valueOf(name, setting, value) as never)
      },
    }
    for (const [method, run] of Object.entries(methods)) Object.defineProperty(Typed.prototype, method, { value: run })
  }
  return Typed as unknown as WithSettings<T>
}

function valueOf(name: string, { kind }: Setting<unknown, unknown>, json: unknown): unknown {
  const read = kind.fromJson(json)
  if (read.ok) return read.value
  // vpcd reports numbers that are too large.
  if (typeof json === 'number') return json
  throw new VpcError('EINVAL', `cannot set ${name}: ${read.problem}`)
}
