test(() => {}, 'ends');
async_test(() => {}, 'never ends');
