#!/bin/sh
exec node /tests/suite.mjs 1
