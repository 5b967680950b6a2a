#!/bin/sh
set -- 2
. /tests/suite.sh
