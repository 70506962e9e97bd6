// A program that makes many objects which live for a while, and prints how many bytes V8 has for new ones in the end. With
// the argument `small` it asks for few.
import { getHeapSpaceStatistics } from 'node:v8'
import { keepYoungGenerationSmall } from '../../src/service/young-generation.ts'

const OBJECTS = 3_000_000
const LIVING = 200_000

if (process.argv[2] === 'small') keepYoungGenerationSmall()
const living: object[] = []
for (let number = 0; number < OBJECTS; number++) living[number % LIVING] = { number }
const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
console.log(JSON.stringify({ bytes: space?.space_size, living: living.length }))
