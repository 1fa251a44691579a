/** Outputs of vpc_ctl. */
import { idBytes, type Id } from '#abi/id.ts'
import { vniValue } from '#abi/layouts.ts'

const little = (size: number, write: (view: DataView) => void): Uint8Array => {
  const out = new Uint8Array(size)
  write(new DataView(out.buffer))
  return out
}

export const u16Out = (value: number): Uint8Array => little(2, (view) => view.setUint16(0, value, true))
export const u32Out = (value: number): Uint8Array => little(4, (view) => view.setUint32(0, value, true))
export const u64Out = (value: bigint): Uint8Array => little(8, (view) => view.setBigUint64(0, value, true))
/** Big-endian, as the ABI has it. */
export const vniOut = (vni: number): Uint8Array => vniValue.encode({ vni })
export const idOut = (id: Id): Uint8Array => idBytes(id)
export const textOut = (text: string): Uint8Array => Buffer.from(text, 'utf8')
export const jsonOut = (value: unknown): Uint8Array => textOut(JSON.stringify(value))
export const idsOut = (ids: readonly Id[]): Uint8Array => Buffer.concat(ids.map(idBytes))
