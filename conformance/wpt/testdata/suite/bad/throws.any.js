test(() => {}, 'first');
throw new Error('while it loads');
