/** Steps of this process, for the layers above that have steps of their own. */
export { beforeStep, observeSteps } from '#kernel/step.ts'
