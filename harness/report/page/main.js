import "./style.css";
import { scaleLinear } from "d3-scale";
import { axisBottom } from "d3-axis";
import { line, area } from "d3-shape";
import { select } from "d3-selection";
import { extent } from "d3-array";
window.x = [scaleLinear, axisBottom, line, area, select, extent];
