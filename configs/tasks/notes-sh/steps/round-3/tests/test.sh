#!/bin/sh
set -- 3
. /tests/suite.sh
