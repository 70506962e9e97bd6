import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Service } from '../../../interop/service.ts'
import { Tkabber } from './tkabber.ts'

describe('Tkabber', () => {
  let service: Service
  let tkabber: Tkabber

  beforeAll(async () => {
    service = await Service.create()
    const bob = await service.issue('bob')
    await service.start()
    tkabber = await Tkabber.start(service, bob)
  })
  afterAll(async () => {
    await tkabber?.end()
    await service?.end()
  })

  it('verifies the server and logs in with the settings that are printed for it', async () => {
    const { level } = await service.logged({ msg: 'logged in', account: 'bob@localhost' })
    expect(level).toBe('info')
  })
})
