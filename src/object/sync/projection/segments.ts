/** Table `segments`: the settings of a segment's switch, and its uplink. */
import { u32 } from '#abi/c-struct.ts'
import { noDst, segment as segmentLayout, segmentFlag, type Segment } from '#datapath/layout.ts'
import type { Mirror } from '../../store/model.ts'
import { uplinkMirror } from '../../type/mirror.ts'
import { toUplink } from './destination.ts'
import type { Projection } from './projection.ts'

/** A mirror that gets copies. */
const shown = ({ ifindex, watched }: Mirror): number => (watched ? ifindex : 0)

export const segments: Projection<number, Segment> = {
  keys: (model) => model.segments.keys(),
  keyField: u32,
  valueField: segmentLayout,
  values: (model) => (segment) => {
    const sw = model.segments.get(segment)
    if (sw === undefined) return undefined
    const flags = (sw.up ? segmentFlag.up : 0) | (sw.floodUnknown ? segmentFlag.floodUnknown : 0)
    const uplink = toUplink(model, sw, segment)
    const mirrors = { switchMirror: shown(sw.mirror), uplinkMirror: uplink === undefined ? 0 : shown(uplinkMirror(sw)) }
    return { flags, switchUnit: sw.unit, uplink: uplink ?? noDst, ...mirrors }
  },
}
