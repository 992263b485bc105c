import { randomLives } from './lives.js';

randomLives(40, false);
