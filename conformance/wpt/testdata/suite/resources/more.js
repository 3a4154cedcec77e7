'use strict';
const fromAScript = () => 'a script';
