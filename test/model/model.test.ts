import { randomLives } from './lives.js';

randomLives(24, false);
