/** The rules of each kind that has some. */
import { roleBindingRules, tokenRules } from './access.ts'
import { groupRules, routerRules, routeTableRules } from './group.ts'
import { peeringRules } from './peering.ts'
import { azRules, facilityRules, hostRules, placementRules, transitRules } from './place.ts'
import { floatingIpRules, natRules, poolRules } from './public.ts'
import type { Rules } from './rules.ts'
import { subnetRules, vpcRules } from './subnet.ts'
import { vmRules } from './vm.ts'
import { addressRules, vnicRules } from './vnic.ts'

const rules: Readonly<Record<string, Rules>> = {
  token: tokenRules,
  'role-binding': roleBindingRules,
  vpc: vpcRules,
  subnet: subnetRules,
  vnic: vnicRules,
  vm: vmRules,
  address: addressRules,
  group: groupRules,
  router: routerRules,
  'route-table': routeTableRules,
  pool: poolRules,
  'floating-ip': floatingIpRules,
  nat: natRules,
  peering: peeringRules,
  facility: facilityRules,
  transit: transitRules,
  az: azRules,
  host: hostRules,
  placement: placementRules,
}

/** The rules of a kind. */
export const rulesOf = (kind: string): Rules => rules[kind] ?? {}
