/** Events of a cloud as lines. */
import type { CloudEvent } from '#resource/cloud-event.ts'
import { happenedText } from '#resource/event-text.ts'
import { formatTime } from './time-text.ts'

/** `2027-01-31T12:00:00.000+01:00  vnic shop/web1 plugged in on host h1, by ann  (request 0192…)`. */
export function eventLine(event: CloudEvent, utc: boolean): string {
  const { time, request, kind, id, name, by } = event
  const who = by === null ? '' : `, by ${by.name ?? by.id}`
  const text = `${kind} ${name ?? id} ${happenedText(event)}${who}`
  return `${formatTime(new Date(time), utc)}  ${text}${request === null ? '' : `  (request ${request})`}`
}
