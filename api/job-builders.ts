/** A port of jobs for the API's tests: answers from memory and notes what it was asked. */
import type { JobPort, JobRecord } from './job-ports.ts'

export function memoryJobs(note: (port: string, argument: unknown) => void, nowMs: number): JobPort {
  const record = (job_id: string, kind: string): JobRecord => {
    const times = { created_at_ms: nowMs, started_at_ms: null, ended_at_ms: null }
    return { job_id, tenant: 'home', kind, state: 'waiting', progress: null, report: null, created_by: 'key:dev', ...times }
  }
  return {
    async create(job) {
      note('createJob', job)
      return record('job_1', job.kind)
    },
    get: async (tenant, id) => (tenant === 'home' && id === 'job_1' ? record(id, 'backup') : undefined),
    async list(query) {
      note('jobs', query)
      return { items: [record('job_1', 'backup')], next: null }
    },
  }
}
