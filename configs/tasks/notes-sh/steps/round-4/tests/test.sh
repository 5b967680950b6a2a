#!/bin/sh
set -- 4
. /tests/suite.sh
