/** Table `port_limits`: what ports with limits of their own may send and receive a second. */
import { initialSettings } from '#abi/settings.ts'
import { limitKey, limits, type LimitKey, type Limits } from '#datapath/layout.ts'
import type { Model, Port } from '../../store/model.ts'
import type { Projection } from './projection.ts'

const initial = initialSettings('vpcp')

/** Whether the port limits packets from its unit. */
export const isLimitedOut = ({ rateOut, packetRateOut }: Port): boolean => rateOut + packetRateOut > 0
/** Whether it limits packets to its unit. */
export const isLimitedIn = ({ rateIn, packetRateIn }: Port): boolean => rateIn + packetRateIn > 0
const asksOtherwise = (port: Port): boolean => port.questionRate !== initial.questionRate || port.dhcpRate !== initial.dhcpRate

const isListed = (port: Port): boolean => isLimitedOut(port) || isLimitedIn(port) || asksOtherwise(port)

export const portLimits: Projection<LimitKey, Limits> = {
  *keys(model: Model) {
    for (const port of model.ofType('vpcp')) if (isListed(port)) yield { stats: port.source }
  },
  keyField: limitKey,
  valueField: limits,
  values:
    (model) =>
    ({ stats }) => {
      const port = model.sources.get(stats)
      if (port?.type !== 'vpcp' || !isListed(port)) return undefined
      return {
        bytesOut: BigInt(port.rateOut),
        bytesIn: BigInt(port.rateIn),
        packetsOut: port.packetRateOut,
        packetsIn: port.packetRateIn,
        neighbourQuestions: port.questionRate,
        dhcpQuestions: port.dhcpRate,
      }
    },
}
