/** A router: joins subnets of one switch, and has routes for all other destinations. It is on every host. */
import type { Id } from '#abi/id.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import type { Context } from '../context.ts'
import { unitName, type Router, type Subnet } from '../store/model.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import { switchOf } from '../store/routing.ts'
import type { Transaction } from '../store/transaction.ts'
import { leaveNats } from './nat.ts'
import { addRoutes, deleteRoutes, dropDeadRoutes, setRoutes } from './routes.ts'
import { leaveRouter } from './subnet.ts'
import { type ObjectType, settersOf, type State } from './type.ts'

const state = (): State<'vpcrtr'> => ({ subnets: new Set<Subnet>() })

const createRouter = (context: Context, tx: Transaction, id: Id): Router =>
  register<Router>(context, tx, { ...newBase(context.model, 'vpcrtr', id), ...initialSettings('vpcrtr'), ...state() })

/** Remove it, with routes of other routers to it. Its subnets stay. */
function dismantleRouter(context: Context, tx: Transaction, router: Router): void {
  for (const subnet of router.subnets) leaveRouter(context, tx, subnet)
  leaveNats(context, tx, router)
  unregister(context, tx, router)
  for (const other of context.model.ofType('vpcrtr')) dropDeadRoutes(context, tx, other)
}

export const routerType: ObjectType<'vpcrtr'> = {
  type: 'vpcrtr',
  create: createRouter,
  dismantle: dismantleRouter,
  state,
  setters: settersOf<'vpcrtr'>({
    routes(context, tx, router, routes) {
      tx.asked = `set the routes of router ${unitName(router)}`
      setRoutes(context, tx, router, routes)
    },
  }),
  kept: [],
  operations: {
    vpcrtrRouteSet: ({ context, tx, object, input }) => addRoutes(context, tx, object, input),
    vpcrtrRouteDelete: ({ context, tx, object, input }) => deleteRoutes(context, tx, object, input),
    vpcrtrRouteList: ({ object: { routes } }) => routes,
  },
  describe: (_, router) => ({
    ...settingsToJson('vpcrtr', router),
    switch: switchOf(router)?.id ?? null,
    subnets: [...router.subnets].sort((a, b) => a.unit - b.unit).map(({ id }) => id),
  }),
}
