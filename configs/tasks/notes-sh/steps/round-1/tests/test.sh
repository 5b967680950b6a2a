#!/bin/sh
set -- 1
. /tests/suite.sh
