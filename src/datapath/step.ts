/** Steps of this process, for those above who take some of their own. */
export { beforeStep, observeSteps } from '#kernel/step.ts'
