#!/bin/sh
set -- 5
. /tests/suite.sh
