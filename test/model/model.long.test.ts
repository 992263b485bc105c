import { randomLives } from './lives.js';

randomLives(Number(process.env['C2P_MODEL_RUNS'] ?? 300), true);
