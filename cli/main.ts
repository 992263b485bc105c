#!/usr/bin/env node
import { guardProcess } from '../protection/guard-process.js';
import { endQuietlyWithoutReader } from './output.js';
import { run } from './run.js';

guardProcess();
endQuietlyWithoutReader();
await run(process.argv.slice(2), process);
