export { readingBlobs, type Unreadable } from '../store/unreadable.js';
